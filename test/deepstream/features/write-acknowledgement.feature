Feature: Writes that are acknowledged
Scenario: Acknowledged, failed, in conflict, equal, and without a connection
	Given the test server is ready
		And the client is initialised
		And the server sends the message C|A+
		And the client logs in with username "XXX" and password "YYY"
		And the server sends the message A|A+
		And the client creates a record named "happyRecord"
		And the server sends the message R|A|S|happyRecord+
		And the server sends the message R|R|happyRecord|100|{"name":"John"}+
		And the client requires write acknowledgement on record "happyRecord"
	When the client sets the record "happyRecord" "name" to "Max"
	Then the last message the server recieved is R|P|happyRecord|101|name|SMax|{"writeSuccess":true}+
	When the server sends the message R|WA|happyRecord|[101]|L+
	Then the client is notified that the record "happyRecord" was written without error
	When the client sets the record "happyRecord" to {"name":"Eva"}
	Then the last message the server recieved is R|U|happyRecord|102|{"name":"Eva"}|{"writeSuccess":true}+
	When the server sends the message R|WA|happyRecord|[102]|SError writing record to storage+
	Then the client is notified that the record "happyRecord" was written with error "Error writing record to storage"
	When the client sets the record "happyRecord" "name" to "Ann"
	Then the last message the server recieved is R|P|happyRecord|103|name|SAnn|{"writeSuccess":true}+
	When the server sends the message R|E|VERSION_EXISTS|happyRecord|103|{"name":"Zoe"}|{"writeSuccess":true}+
	Then the client is notified that the record "happyRecord" was written without error
		And the client record "happyRecord" data is {"name":"Zoe"}
	When the server sends the message R|WA|happyRecord|[103]|L+
		And the server resets its message count
		And the client sets the record "happyRecord" to {"name":"Zoe"}
	Then the client is notified that the record "happyRecord" was written without error
		And no message was send to the server
		And the connection to the server is lost
		And two seconds later
	Then the client throws a "connectionError" error with message "Can't connect! Deepstream server unreachable on ws://localhost:7777/deepstream"
	When the client sets the record "happyRecord" "name" to "Kim"
	Then the client is notified that the record "happyRecord" was written with error "Connection error: error updating record as connection was closed"
	When the connection to the server is reestablished
		And the server sends the message C|A+
		And the server sends the message A|A+
	Then the server received the message R|P|happyRecord|104|name|SKim|{"writeSuccess":true}+
	When the server sends the message R|A|S|happyRecord+
		And the server sends the message R|R|happyRecord|104|{"name":"Kim"}+
		And the server sends the message R|WA|happyRecord|[104]|L+
	Then the client record "happyRecord" data is {"name":"Kim"}
