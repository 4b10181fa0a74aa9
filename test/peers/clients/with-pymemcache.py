"""python3-pymemcache (text protocol) does everything it offers and prints what it got, as one object of JSON."""
import json
import os
import sys

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheClientError

client = Client(("127.0.0.1", int(sys.argv[1])), default_noreply=False)
got = {}


def text(value):
    return value.decode() if isinstance(value, bytes) else value


got["set"] = client.set("p:k", "v1")
got["get"] = text(client.get("p:k"))
got["getMissing"] = client.get("p:missing")
got["addExisting"] = client.add("p:k", "x")
client.delete("p:new")
got["add"] = client.add("p:new", "x")
got["replaceMissing"] = client.replace("p:missing", "x")
got["replace"] = client.replace("p:k", "v2")
got["getReplaced"] = text(client.get("p:k"))
got["append"] = client.append("p:k", ">")
got["prepend"] = client.prepend("p:k", "<")
got["getJoined"] = text(client.get("p:k"))
got["delete"] = client.delete("p:k")
got["deleteMissing"] = client.delete("p:k")
client.set("p:n", "10")
got["incr"] = client.incr("p:n", 5)
got["decr"] = client.decr("p:n", 3)
got["decrToZero"] = client.decr("p:n", 100)
got["incrMissing"] = client.incr("p:none", 1)
got["setMulti"] = client.set_many({"p:m1": "1", "p:m2": "2"}) == []
got["multi"] = {key: text(value) for key, value in client.get_many(["p:m1", "p:missing", "p:m2"]).items()}
large = os.urandom(500_000)
client.set("p:large", large)
got["large"] = client.get("p:large") == large
value, cas = client.gets("p:m1")
got["cas"] = client.cas("p:m1", "changed", cas)
got["casAgain"] = client.cas("p:m1", "again", cas)
# without an answer, which is what it does unless it is told otherwise
client.set("p:quiet", "1", noreply=True)
client.incr("p:quiet", 1, noreply=True)
client.append("p:quiet", "!", noreply=True)
client.delete("p:new", noreply=True)
client.add("p:quiet", "x", noreply=True)
got["noreply"] = text(client.get("p:quiet"))
got["noreplyDeleted"] = client.get("p:new")
client.set("p:t", "v", expire=100)
got["touch"] = client.touch("p:t", 1_000_000_000)
got["touched"] = client.get("p:t")
got["stats"] = b"curr_items" in client.stats()
got["version"] = text(client.version())
try:
    got["flush"] = client.flush_all()
except MemcacheClientError as refusal:
    got["flush"] = str(refusal)
got["flushed"] = text(client.get("p:m2"))
client.quit()
print(json.dumps(got))
