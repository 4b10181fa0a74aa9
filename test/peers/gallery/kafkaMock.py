"""A Kafka cluster of one broker, as librdkafka brings it for its own tests; it says its address, and ends with its standard input."""
import ctypes
import sys

rdkafka = ctypes.CDLL("librdkafka.so.1")
for name, result, arguments in [
    ("rd_kafka_version_str", ctypes.c_char_p, []),
    ("rd_kafka_new", ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]),
    ("rd_kafka_mock_cluster_new", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_int]),
    ("rd_kafka_mock_cluster_bootstraps", ctypes.c_char_p, [ctypes.c_void_p]),
    ("rd_kafka_mock_topic_create", ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]),
]:
    function = getattr(rdkafka, name)
    function.restype = result
    function.argtypes = arguments

error = ctypes.create_string_buffer(512)
handle = rdkafka.rd_kafka_new(0, None, error, 512)
cluster = rdkafka.rd_kafka_mock_cluster_new(handle, 1)
for topic, partitions in [(b"gallery", 2), (b"other", 1)]:
    rdkafka.rd_kafka_mock_topic_create(cluster, topic, partitions, 1)
print(rdkafka.rd_kafka_version_str().decode(), rdkafka.rd_kafka_mock_cluster_bootstraps(cluster).decode(), flush=True)
sys.stdin.read()
