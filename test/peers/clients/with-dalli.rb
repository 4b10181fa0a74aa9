# Ruby's dalli does everything it offers against a server and prints what it got, as one object of JSON.
require "dalli"
require "json"

client = Dalli::Client.new("127.0.0.1:#{ARGV[0]}", protocol: :binary, compress: false)
raw = { raw: true }
got = {}
# of a replace that misses it returns the CAS of the error, 0
stored = ->(outcome) { outcome.is_a?(Integer) ? outcome > 0 : !!outcome }
got["set"] = !!client.set("p:k", "v1", nil, raw)
got["get"] = client.get("p:k", raw)
got["getMissing"] = client.get("p:missing", raw)
got["addExisting"] = !!client.add("p:k", "x", nil, raw)
got["add"] = !!client.add("p:new", "x", nil, raw)
got["replaceMissing"] = stored.call client.replace("p:missing", "x", nil, raw)
got["replace"] = stored.call client.replace("p:k", "v2", nil, raw)
got["getReplaced"] = client.get("p:k", raw)
got["append"] = !!client.append("p:k", ">")
got["prepend"] = !!client.prepend("p:k", "<")
got["getJoined"] = client.get("p:k", raw)
got["delete"] = !!client.delete("p:k")
got["deleteMissing"] = !!client.delete("p:k")
client.set("p:n", "10", nil, raw)
got["incr"] = client.incr("p:n", 5)
got["decr"] = client.decr("p:n", 3)
got["decrToZero"] = client.decr("p:n", 100)
got["incrMissing"] = client.incr("p:none", 1)
got["incrInitial"] = client.incr("p:fresh", 1, nil, 7)
client.set("p:m1", "1", nil, raw)
client.set("p:m2", "2", nil, raw)
# dalli reads counters and raw values alike as text
got["multi"] = client.get_multi("p:m1", "p:missing", "p:m2")
large = Random.new(1).bytes(500_000)
client.set("p:large", large, nil, raw)
got["large"] = client.get("p:large", raw) == large
value, cas = client.get_cas("p:m1")
got["cas"] = !!client.set_cas("p:m1", "changed", cas, nil, raw)
got["casAgain"] = !!client.set_cas("p:m1", "again", cas, nil, raw)
client.set("p:t", "v", 100, raw)
got["touch"] = !!client.touch("p:t", 1)
sleep 2.2
got["touched"] = client.get("p:t", raw)
got["stats"] = client.stats.values.first.key?("curr_items")
got["version"] = client.version.values.first
got["flush"] = begin
  !!client.flush_all.first
rescue Dalli::DalliError => refusal
  refusal.message
end
got["flushed"] = client.get("p:m2", raw)
puts JSON.generate(got)
