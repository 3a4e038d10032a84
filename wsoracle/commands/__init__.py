"""The commands, one module each; a module is imported when its command is called, so what is slow to import may be."""
