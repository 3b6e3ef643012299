"""The real daemon for a long time: cycles and kills that leave nothing, and plugins with faults that disturb nobody."""
