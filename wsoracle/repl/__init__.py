"""The explorer in a terminal (``wsoracle repl``): a history of two endpoints goes on by lines of commands.

Histories are the texts that the site's explorer has in its address (:mod:`wsoracle.site.histories`), so that a link of
either is understood by both. The page does not know ``agreed=``, since it does not inflate.
"""
