"""pymemcache's text protocol: what it offers, with and without replies, for one item and for many."""
import sys
from pymemcache.client.base import Client

client = Client(("127.0.0.1", int(sys.argv[1])), default_noreply=False, timeout=5)
mode = sys.argv[2]


def refused(call, *args, **named):
    try:
        call(*args, **named)
    except Exception as error:
        print(type(error).__name__, error)


if mode == "replies":
    client.set("k", "value", expire=100, flags=4294967295)
    client.set("empty", b"")
    client.set("crlf", b"END\r\nVALUE k 0 1\r\n")
    client.set("gone", "x", expire=-1)
    client.get("k")
    client.get("missing")
    client.get_many(["k", "missing", "empty", "crlf", "gone"])
    value, cas = client.gets("k")
    client.gets_many(["k", "missing", "empty"])
    client.cas("k", "swapped", cas)
    client.cas("k", "late", cas)
    client.cas("missing", "never", cas)
    client.add("k", "x")
    client.add("new", "x")
    client.replace("missing", "x")
    client.replace("new", "y")
    client.append("new", ">")
    client.append("missing", ">")
    client.prepend("new", "<")
    client.delete("new")
    client.delete("new")
    client.set("n", "18446744073709551615")
    client.incr("n", 1)
    client.set("n", "100")
    client.incr("n", 23)
    client.decr("n", 1000)
    client.incr("missing", 1)
    client.touch("k", 50)
    client.touch("missing", 50)
    client.set_many({"m1": "1", "m2": "2", "m3": "3"})
    client.delete_many(["m1", "m2"])
    client.version()
    client.cache_memlimit(64)
    client.stats("settings")
    client.flush_all(0)
    client.quit()
elif mode == "noreply":
    client.set("k", "value", noreply=True)
    client.add("k", "x", noreply=True)
    client.replace("k", "y", noreply=True)
    client.append("k", ">", noreply=True)
    client.prepend("k", "<", noreply=True)
    client.get("k")
    client.set("n", "1", noreply=True)
    client.incr("n", 5, noreply=True)
    client.decr("n", 2, noreply=True)
    client.touch("n", 10, noreply=True)
    client.cas("n", "9", b"1", noreply=True)
    client.set_many({"m%d" % i: "value %d" % i * i for i in range(50)}, noreply=True)
    client.get_many(["m%d" % i for i in range(60)])
    client.delete("n", noreply=True)
    client.delete_many(["m1", "m2"], noreply=True)
    client.flush_all(noreply=True)
    client.get("k")
    client.close()
elif mode == "errors":
    client.set("text", "no number")
    refused(client.incr, "text", 1)
    refused(client.set, "big", "x" * 1100000)
    refused(client.stats, "no such statistics")
    refused(client.cache_memlimit, 0)
    client.close()
elif mode == "unicode":
    unicode = Client(("127.0.0.1", int(sys.argv[1])), default_noreply=False, allow_unicode_keys=True, encoding="utf-8", key_prefix="p:")
    unicode.set("schlüssel✓", "wert")
    unicode.get("schlüssel✓")
    unicode.close()
    client.close()
elif mode == "shutdown":
    client.shutdown(graceful=True)
    client.close()
else:
    raise SystemExit("unknown mode")
