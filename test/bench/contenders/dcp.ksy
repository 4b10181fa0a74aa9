{
  "meta": { "id": "dcp", "endian": "be" },
  "seq": [
    { "id": "magic", "type": "u1", "valid": 128 },
    { "id": "opcode", "type": "u1" },
    { "id": "key_length", "type": "u2" },
    { "id": "extras_length", "type": "u1" },
    { "id": "datatype", "type": "u1" },
    { "id": "vbucket", "type": "u2" },
    { "id": "body_length", "type": "u4" },
    { "id": "opaque", "type": "u4" },
    { "id": "cas", "type": "u8" },
    {
      "id": "extras",
      "type": {
        "switch-on": "opcode * 256 + extras_length",
        "cases": { "22036": "marker", "22303": "mutation", "22546": "deletion_v1", "22549": "deletion_v2" }
      }
    },
    { "id": "key", "type": "str", "size": "key_length", "encoding": "UTF-8" },
    { "id": "value", "size": "body_length - extras_length - key_length" }
  ],
  "types": {
    "marker": {
      "seq": [
        { "id": "start_seqno", "type": "u8" },
        { "id": "end_seqno", "type": "u8" },
        { "id": "flags", "type": "u4" }
      ]
    },
    "mutation": {
      "seq": [
        { "id": "by_seqno", "type": "u8" },
        { "id": "rev_seqno", "type": "u8" },
        { "id": "flags", "type": "u4" },
        { "id": "expiration", "type": "u4" },
        { "id": "lock_time", "type": "u4" },
        { "id": "nmeta", "type": "u2" },
        { "id": "nru", "type": "u1" }
      ]
    },
    "deletion_v1": {
      "seq": [
        { "id": "by_seqno", "type": "u8" },
        { "id": "rev_seqno", "type": "u8" },
        { "id": "nmeta", "type": "u2" }
      ]
    },
    "deletion_v2": {
      "seq": [
        { "id": "by_seqno", "type": "u8" },
        { "id": "rev_seqno", "type": "u8" },
        { "id": "delete_time", "type": "u4" },
        { "id": "unused", "type": "u1" }
      ]
    }
  }
}
