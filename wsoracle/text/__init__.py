"""Text in and out of commands: files, progress, JSON and patterns; text from outside made safe to show."""
