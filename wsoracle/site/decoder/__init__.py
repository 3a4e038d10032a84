"""The decoder of the site: what ``explain`` and ``judge`` say of pasted octets and of files, as parts of a page.

The same Python runs in the reader's browser (Pyodide, in a worker); the site's command packs it.
"""
