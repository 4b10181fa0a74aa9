"""python3-binary-memcached does everything it offers and prints what it got, as one object of JSON."""
import json
import os
import sys

import bmemcached

client = bmemcached.Client(("127.0.0.1:" + sys.argv[1],))
got = {}
got["set"] = client.set("p:k", "v1")
got["get"] = client.get("p:k")
got["getMissing"] = client.get("p:missing")
got["addExisting"] = client.add("p:k", "x")
got["add"] = client.add("p:new", "x")
got["replaceMissing"] = client.replace("p:missing", "x")
got["replace"] = client.replace("p:k", "v2")
got["getReplaced"] = client.get("p:k")
got["delete"] = client.delete("p:k")
got["deleteMissing"] = client.delete("p:k") is False
client.set("p:n", "10")
got["incr"] = client.incr("p:n", 5)
got["decr"] = client.decr("p:n", 3)
got["decrToZero"] = client.decr("p:n", 100)
got["incrInitial"] = client.incr("p:fresh", 1, default=7)
got["setMulti"] = client.set_multi({"p:m1": "1", "p:m2": "2"}) == []
got["multi"] = client.get_multi(["p:m1", "p:missing", "p:m2"])
large = os.urandom(500_000)
client.set("p:large", large)
got["large"] = client.get("p:large") == large
value, cas = client.gets("p:m1")
got["cas"] = client.cas("p:m1", "changed", cas)
got["casAgain"] = client.cas("p:m1", "again", cas)
stats = list(client.stats().values())[0]
stats = {(name.decode() if isinstance(name, bytes) else name): value for name, value in stats.items()}
version = stats["version"]
got["stats"] = "curr_items" in stats
got["version"] = version.decode() if isinstance(version, bytes) else version
try:
    got["flush"] = client.flush_all()
except bmemcached.exceptions.MemcachedException as refusal:
    got["flush"] = str(refusal)
got["flushed"] = client.get("p:m2")
client.disconnect_all()
print(json.dumps(got))
