Feature: A server sends the client to another one
	The challenge tells every server the URL that the client was made with, and a lost connection is made anew at that URL.

Scenario: Redirected, and back after the connection is lost
	Given the test server is ready
		And the second test server is ready
		And the client is initialised
	Then the server has 1 active connections
		And the clients connection state is "AWAITING_CONNECTION"
	When the server sends the message C|CH+
	Then the last message the server recieved is C|CHR|<FIRST_SERVER_URL>+
		And the clients connection state is "CHALLENGING"
	When the server sends the message C|RED|<SECOND_SERVER_URL>+
	Then the server has 0 active connections
		And the second server has 1 active connections
	Given the client is on the second server
	When the server sends the message C|CH+
	Then the last message the server recieved is C|CHR|<FIRST_SERVER_URL>+
	When the server sends the message C|A+
	Then the clients connection state is "AWAITING_AUTHENTICATION"
	When the client logs in with username "XXX" and password "YYY"
	Then the last message the server recieved is A|REQ|{"username":"XXX","password":"YYY"}+
	When the server sends the message A|A+
	Then the clients connection state is "OPEN"
		And the last login was successful
	When the connection to the server is lost
		And some time passes
	Then the second server has 0 active connections
		And the server has 1 active connections
