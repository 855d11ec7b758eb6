"""What lies on the disk: written whole, locked while it is."""

from facevae.files.whole import WRITING, locked, remove_leftovers, whole_file, whole_folder

__all__ = ["WRITING", "locked", "remove_leftovers", "whole_file", "whole_folder"]
