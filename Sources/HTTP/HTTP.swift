/// HTTP: the small server that every stage has.
///
/// One thread of libmicrohttpd's serves all connections. A request is handed to its route's handler
/// when its body has arrived whole, and is answered at once or later, from any thread, exactly once:
/// meanwhile its connection is suspended and no thread waits. That is how ingest keeps a webhook open
/// until the broker has acknowledged its record.
///
/// It promises: connections, header bytes, body bytes and silence are bounded; an unknown path, a
/// wrong method and too large a body are answered by the server itself, as JSON; a handler that
/// forgets a request answers 500; `stop` finishes what is suspended before it closes.
///
/// It never logs, and never keeps anything of a request once it is answered. TLS belongs to a proxy in
/// front.
