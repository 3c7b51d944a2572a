"""The audit as a report: a page, a PDF, a workbook, and what other programs read. Each is a function of a `Run`."""
