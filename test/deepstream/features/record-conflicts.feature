Feature: Two clients write a record at once
Background:
	Given the test server is ready
		And the client is initialised
		And the server sends the message C|A+
		And the client logs in with username "XXX" and password "YYY"
		And the server sends the message A|A+
		And the client creates a record named "mergeRecord"
		And the server sends the message R|A|S|mergeRecord+
		And the server sends the message R|R|mergeRecord|100|{"key":"value1"}+

Scenario: The server had the version already
	When the client sets the record "mergeRecord" "key" to "value2"
	Then the last message the server recieved is R|P|mergeRecord|101|key|Svalue2+
	When the server sends the message R|E|VERSION_EXISTS|mergeRecord|101|{"key":"remote"}+
	Then the client record "mergeRecord" data is {"key":"remote"}
		And the last message the server recieved is R|P|mergeRecord|101|key|Svalue2+

Scenario: Somebody wrote while there was no connection
	When the connection to the server is lost
		And two seconds later
	Then the client throws a "connectionError" error with message "Can't connect! Deepstream server unreachable on ws://localhost:7777/deepstream"
	When the client sets the record "mergeRecord" "key" to "value3"
		And the connection to the server is reestablished
		And the server sends the message C|A+
		And the server sends the message A|A+
	Then the server received the message R|CR|mergeRecord+
		And the server received the message R|P|mergeRecord|101|key|Svalue3+
	When the server sends the message R|A|S|mergeRecord+
		And the server sends the message R|R|mergeRecord|101|{"key":"remote"}+
		And the server sends the message R|E|VERSION_EXISTS|mergeRecord|101|{"key":"remote"}+
	Then the client record "mergeRecord" data is {"key":"remote"}
		And the last message the server recieved is R|P|mergeRecord|101|key|Svalue3+

Scenario: A server that refuses a write before it says what it has, and one that says nothing
	When the connection to the server is lost
		And two seconds later
	Then the client throws a "connectionError" error with message "Can't connect! Deepstream server unreachable on ws://localhost:7777/deepstream"
	When the client sets the record "mergeRecord" "key" to "value3"
		And the connection to the server is reestablished
		And the server sends the message C|A+
		And the server sends the message A|A+
	Then the server received the message R|P|mergeRecord|101|key|Svalue3+
	When the server sends the message R|E|VERSION_EXISTS|mergeRecord|101|{"key":"remote"}+
	Then the client record "mergeRecord" data is {"key":"remote"}
	When the client sets the record "mergeRecord" "key" to "value4"
	Then the last message the server recieved is R|P|mergeRecord|102|key|Svalue4+
