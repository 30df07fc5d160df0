"""A listener's past from Spotify's privacy export: files in, listening events out.

An account's export holds every stream since it was opened, with addresses and names that are
nobody's business. The modules go from files to events: `json_array` and `files` read, `rows` keeps
of each row what an event needs and nothing else, `staging` sorts and finds doubles on disk,
`judging` says how each play ended, `reconciling` finds what the tracker has seen already, `importing`
puts it together and `sending` delivers.
"""

from musicrec.producer.history.importing import History, opened
from musicrec.producer.history.lookup import Lookup
from musicrec.producer.history.report import Reason, Report

__all__ = ["History", "Lookup", "Reason", "Report", "opened"]
