"""Who may talk to whom: a plugin's wish for another → a ring between the two, whose memory neither can change for both.

Grants a link where each of the two names the other in `ipc`, and topics where links are allowed. Refuses everything
else, beside machine code too. Takes no part in what is said: links outlive exod, and are parted when an end is gone.
"""
