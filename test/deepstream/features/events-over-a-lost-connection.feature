Feature: Events when the connection is lost
Scenario: Subscriptions and patterns are told anew, and what was published meanwhile follows
	Given the test server is ready
		And the client is initialised
		And the server sends the message C|A+
		And the client logs in with username "XXX" and password "YYY"
		And the server sends the message A|A+
	When the client subscribes to an event named "test1"
	Then the server received the message E|S|test1+
	When the server sends the message E|A|S|test1+
		And the client listens to events matching "eventPrefix/.*"
	Then the last message the server recieved is E|L|eventPrefix/.*+
	When the server sends the message E|A|L|eventPrefix/.*+
		And the connection to the server is lost
		And two seconds later
	Then the client throws a "connectionError" error with message "Can't connect! Deepstream server unreachable on ws://localhost:7777/deepstream"
		And the clients connection state is "RECONNECTING"
	When the client publishes an event named "test1" with data "yetAnotherValue"
	Then the server did not recieve any messages
	When the connection to the server is reestablished
		And the server sends the message C|A+
	Then the clients connection state is "AUTHENTICATING"
	When the client logs in with username "XXX" and password "YYY"
		And the server sends the message A|A+
	Then the clients connection state is "OPEN"
		And the server received the message E|S|test1+
		And the server received the message E|L|eventPrefix/.*+
		And the last message the server recieved is E|EVT|test1|SyetAnotherValue+
	When the server sends the message E|A|S|test1+
		And the server sends the message E|A|L|eventPrefix/.*+
