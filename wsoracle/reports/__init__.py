"""Reports: pages of cases, an index, JUnit XML and Markdown (docs/reports.md).

In go the records of cases, as files in a folder; out come the files beside them, and summaries of the records.
"""

from .folder_lock import FolderInUse, only_run_in
from .report_folder import ForeignFolder, ReportFolder

__all__ = ["FolderInUse", "ForeignFolder", "ReportFolder", "only_run_in"]
