"""Reports: pages, an index, JUnit and Markdown, all made from the records of cases (docs/reports.md)."""

from .report_folder import ForeignFolder, ReportFolder

__all__ = ["ForeignFolder", "ReportFolder"]
