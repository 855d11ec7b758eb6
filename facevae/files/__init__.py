"""Files and folders: atomic writes, locks, and reading what others may have written."""

from facevae.files.places import cache_folder, expanded
from facevae.files.whole import WRITING, locked, remove_leftovers, whole_file, whole_folder

__all__ = [
    "WRITING",
    "cache_folder",
    "expanded",
    "locked",
    "remove_leftovers",
    "whole_file",
    "whole_folder",
]
