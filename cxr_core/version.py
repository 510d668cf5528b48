"""The version of this program, as exports and files tell it; written here and nowhere else."""

VERSION = "0.9.0"
PROGRAM = "cxr_core"
