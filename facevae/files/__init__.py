"""Files and folders: atomic writes, locks, what others put there, and reading what others may have written."""

from facevae.files.copying import copy_into
from facevae.files.others import (
    SYSTEM_FILES,
    entries_of_others,
    files_below,
    free_path,
    is_writable,
    listed,
    others_in,
)
from facevae.files.places import cache_folder, expanded
from facevae.files.whole import (
    WRITING,
    keep_to_save_time,
    locked,
    remove_leftovers,
    whole_file,
    whole_folder,
)

__all__ = [
    "SYSTEM_FILES",
    "WRITING",
    "cache_folder",
    "copy_into",
    "entries_of_others",
    "expanded",
    "files_below",
    "free_path",
    "is_writable",
    "keep_to_save_time",
    "listed",
    "locked",
    "others_in",
    "remove_leftovers",
    "whole_file",
    "whole_folder",
]
