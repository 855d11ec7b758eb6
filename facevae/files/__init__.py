"""Files and folders: atomic writes, locks, and reading what others may have written."""

from facevae.files.whole import WRITING, locked, remove_leftovers, whole_file, whole_folder

__all__ = ["WRITING", "locked", "remove_leftovers", "whole_file", "whole_folder"]
