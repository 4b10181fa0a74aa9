"""python3-memcache (text protocol) does everything it offers and prints what it got, as one object of JSON."""
import json
import os
import sys

import memcache

client = memcache.Client(["127.0.0.1:" + sys.argv[1]], cache_cas=True)
got = {}
got["set"] = bool(client.set("p:k", "v1"))
got["get"] = client.get("p:k")
got["getMissing"] = client.get("p:missing")
got["addExisting"] = bool(client.add("p:k", "x"))
client.delete("p:new")
got["add"] = bool(client.add("p:new", "x"))
got["replaceMissing"] = bool(client.replace("p:missing", "x"))
got["replace"] = bool(client.replace("p:k", "v2"))
got["getReplaced"] = client.get("p:k")
got["append"] = bool(client.append("p:k", ">"))
got["prepend"] = bool(client.prepend("p:k", "<"))
got["getJoined"] = client.get("p:k")
got["delete"] = bool(client.delete("p:k"))
got["deleteMissing"] = bool(client.delete("p:k"))
client.set("p:n", "10")
got["incr"] = client.incr("p:n", 5)
got["decr"] = client.decr("p:n", 3)
got["decrToZero"] = client.decr("p:n", 100)
got["incrMissing"] = client.incr("p:none", 1)
got["setMulti"] = client.set_multi({"p:m1": "1", "p:m2": "2"}) == []
got["multi"] = client.get_multi(["p:m1", "p:missing", "p:m2"])
large = os.urandom(500_000)
client.set("p:large", large)
got["large"] = client.get("p:large") == large
client.gets("p:m1")
got["cas"] = bool(client.cas("p:m1", "changed"))
# its own CAS is now too old
got["casAgain"] = bool(client.cas("p:m1", "again"))
client.set("p:t", "v", time=100)
got["touch"] = bool(client.touch("p:t", 1_000_000_000))
got["touched"] = client.get("p:t")
stats = client.get_stats()[0][1]
got["stats"] = "curr_items" in stats
got["version"] = stats["version"]
client.flush_all()
got["flushed"] = client.get("p:m2")
print(json.dumps(got))
