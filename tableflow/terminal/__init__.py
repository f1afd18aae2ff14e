"""The terminal client. It talks to the HTTP API alone, so that it runs from any machine that reaches the server.

`client` asks the API; `subscription` follows the stream of events and says which `resources` an event touches;
`coordinator` decides what is asked anew, and which answers are too old to be shown; `texts` makes what came over the
wire fit for a terminal. None of these knows the screens.
"""
