"""python3-pylibmc (libmemcached; binary protocol, or text when the second argument says so) does everything it offers and prints what it got, as one object of JSON."""
import json
import os
import sys
import time

import pylibmc

binary = sys.argv[2:] != ["text"]
client = pylibmc.Client(["127.0.0.1:" + sys.argv[1]], binary=binary, behaviors={"tcp_nodelay": True, "cas": True})
got = {}


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def unless_missing(operation, otherwise):
    try:
        return operation()
    except pylibmc.NotFound:
        return otherwise


got["set"] = client.set("p:k", "v1")
got["get"] = client.get("p:k")
got["getMissing"] = client.get("p:missing")
got["addExisting"] = client.add("p:k", "x")
client.delete("p:new")
got["add"] = client.add("p:new", "x")
got["replaceMissing"] = unless_missing(lambda: client.replace("p:missing", "x"), False)
got["replace"] = client.replace("p:k", "v2")
got["getReplaced"] = client.get("p:k")
got["append"] = client.append("p:k", ">")
got["prepend"] = client.prepend("p:k", "<")
got["getJoined"] = client.get("p:k")
got["delete"] = client.delete("p:k")
got["deleteMissing"] = client.delete("p:k")
client.set("p:n", 10)
got["incr"] = client.incr("p:n", 5)
got["decr"] = client.decr("p:n", 3)
got["decrToZero"] = client.decr("p:n", 100)
got["incrMissing"] = unless_missing(lambda: client.incr("p:none", 1), None)
got["setMulti"] = client.set_multi({"p:m1": "1", "p:m2": "2"}) == []
got["multi"] = client.get_multi(["p:m1", "p:missing", "p:m2"])
large = os.urandom(500_000)
client.set("p:large", large)
got["large"] = client.get("p:large") == large
value, cas = client.gets("p:m1")
got["cas"] = client.cas("p:m1", "changed", cas)
got["casAgain"] = client.cas("p:m1", "again", cas)
client.set("p:t", "v", time=100)
# in the past, or soon
got["touch"] = client.touch("p:t", 1 if binary else 1_000_000_000)
time.sleep(2.2 if binary else 0)
got["touched"] = client.get("p:t")
stats = {text(name): text(value) for name, value in client.get_stats()[0][1].items()}
got["stats"] = "curr_items" in stats
got["version"] = stats["version"]
try:
    got["flush"] = client.flush_all()
except pylibmc.Error as refusal:
    got["flush"] = str(refusal)
got["flushed"] = client.get("p:m2")
print(json.dumps(got))
