"""How moments are written where nothing else is said: sortable, and with their zone."""

DATETIME_FORMAT = "Y-m-d H:i:s T"
