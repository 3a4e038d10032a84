"""Text in and out of commands: progress, JSON, patterns, and text from outside made safe to show.

The input of users goes in and is checked; lines for people and programs come out.
"""
