"""
libmemcached says which server of a ring each key belongs to. Reads `{"keys": [text, …], "rings": [{"servers": [[host, port, weight], …],
"distribution": name}, …]}` from standard input, and prints for each ring a line with a digit for each key. A server with port 0 is a
Unix socket. Nothing is connected to.
"""
import ctypes
import json
import sys

behaviors = {"ketama": 3, "ketama-weighted": 16}  # memcached_behavior_t

library = ctypes.CDLL("libmemcached.so.11")
library.memcached_create.restype = ctypes.c_void_p
library.memcached_create.argtypes = [ctypes.c_void_p]
library.memcached_free.argtypes = [ctypes.c_void_p]
library.memcached_behavior_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint64]
library.memcached_server_add_with_weight.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint16, ctypes.c_uint32]
library.memcached_server_add_unix_socket_with_weight.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32]
library.memcached_generate_hash.restype = ctypes.c_uint32
library.memcached_generate_hash.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]


def fine(code):
    if code != 0:
        raise RuntimeError(f"libmemcached returned {code}")


given = json.load(sys.stdin)
keys = [key.encode() for key in given["keys"]]
for ring in given["rings"]:
    memcached = library.memcached_create(None)
    fine(library.memcached_behavior_set(memcached, behaviors[ring["distribution"]], 1))
    for host, port, weight in ring["servers"]:
        if port == 0:
            fine(library.memcached_server_add_unix_socket_with_weight(memcached, host.encode(), weight))
        else:
            fine(library.memcached_server_add_with_weight(memcached, host.encode(), port, weight))
    print("".join(str(library.memcached_generate_hash(memcached, key, len(key))) for key in keys))
    library.memcached_free(memcached)
