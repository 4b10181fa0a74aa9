Feature: Procedures when the connection is lost
Scenario: What is provided is told anew, and what was asked for meanwhile follows
	Given the test server is ready
		And the client is initialised
		And the server sends the message C|A+
		And the client logs in with username "XXX" and password "YYY"
		And the server sends the message A|A+
	When the client provides a RPC called "toUppercase"
	Then the last message the server recieved is P|S|toUppercase+
	When the server sends the message P|A|S|toUppercase+
		And the connection to the server is lost
		And two seconds later
	Then the client throws a "connectionError" error with message "Can't connect! Deepstream server unreachable on ws://localhost:7777/deepstream"
		And the clients connection state is "RECONNECTING"
	When the connection to the server is reestablished
		And the server sends the message C|A+
	Then the clients connection state is "AUTHENTICATING"
	When the client logs in with username "XXX" and password "YYY"
		And the server sends the message A|A+
	Then the clients connection state is "OPEN"
		And the last message the server recieved is P|S|toUppercase+
	When the server sends the message P|A|S|toUppercase+
		And the server sends the message P|REQ|toUppercase|<UID>|Sabc+
	Then the last message the server recieved is P|A|REQ|toUppercase|<UID>+
		And the client recieves a request for a RPC called "toUppercase" with data "abc"
	When the client responds to the RPC "toUppercase" with data "ABC"
	Then the last message the server recieved is P|RES|toUppercase|<UID>|SABC+
