"""The commands, one module each, imported when its command is called, so that slow imports cost no other command.

Arguments go in; what a room returns is printed or written, and an exit status comes out.
"""
