Feature: Presence when the connection is lost
Scenario: Subscriptions get new ids, and queries made meanwhile follow
	Given the test server is ready
		And the client is initialised
		And the server sends the message C|A+
		And the client logs in with username "XXX" and password "YYY"
		And the server sends the message A|A+
	When the client subscribes to presence events for "userA,userB"
	Then the server received the message U|S|1|["userA","userB"]+
	When the server sends the message U|A|S|1+
		And the client subscribes to all presence events
	Then the server received the message U|S|S+
	When the server sends the message U|A|S|S+
		And the connection to the server is lost
		And two seconds later
	Then the client throws a "connectionError" error with message "Can't connect! Deepstream server unreachable on ws://localhost:7777/deepstream"
		And the clients connection state is "RECONNECTING"
	When the client queries for connected clients
		And the client queries if "userA,userB" are online
	Then the server did not recieve any messages
	When the connection to the server is reestablished
		And the server sends the message C|A+
	Then the clients connection state is "AUTHENTICATING"
	When the server sends the message A|A+
	Then the clients connection state is "OPEN"
		And the server received the message U|S|3|["userA","userB"]+
		And the server received the message U|S|S+
		And the server received the message U|Q|Q+
		And the server received the message U|Q|2|["userA","userB"]+
	When the server sends the message U|A|S|3+
		And the server sends the message U|A|S|S+
		And the server sends the message U|Q|Homer+
	Then the client is notified that clients "Homer" are connected
	When the server sends the message U|Q|2|{"userA":true,"userB":false}+
	Then the client is notified with '{"userA":true,"userB":false}'
