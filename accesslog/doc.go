// Package accesslog writes a line for each live request, and never makes a request wait for it.
//
// Each event loop has a lane: a bounded buffer into which [Log.Add] formats the line. One goroutine,
// [Log.Run], gathers what the lanes hold and writes it. If the disk is full or slow a lane fills up,
// and lines are lost and counted; the loops do not notice. The lines of a lane keep their order,
// those of two lanes can be 50 ms out of it.
//
// # Formats
//
// combined is the format of nginx and Apache:
//
//	$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"
//
// json is an object per line, with its keys in this order. Those from user on are left out while
// there is nothing to say; durations are seconds:
//
//	time client client_port method target host protocol status bytes_in bytes_out duration mirrored
//	user route backend first_byte upstream_time retries fault referer user_agent request_id
//	grpc_status tls_version tls_cipher sni client_subject
//
// Anything else with a $ in it is a template. Variables have the names of nginx where they mean the
// same, and can be written ${name}; $$ is a dollar sign:
//
//	$remote_addr               the user's address; unix: on a Unix socket
//	$remote_port               and port
//	$remote_user               name of the user
//	$time_local                when the request came: 21/Nov/2026:11:39:01 +0100
//	$time_iso8601              the same: 2026-11-21T11:39:01+01:00
//	$msec                      the same: 1795257541.250
//	$request                   the request line
//	$request_method            its parts
//	$request_uri
//	$server_protocol
//	$path                      of $request_uri
//	$args                      of $request_uri, after the question mark
//	$host                      that the user asked for
//	$status                    of the answer; 000 if there was none
//	$body_bytes_received       bytes of the request's body
//	$body_bytes_sent           bytes of the answer's body
//	$request_time              seconds from the head of the request to the end of the answer: 0.001250
//	$first_byte_time           seconds from the head of the request to the first byte of the answer
//	$upstream_response_time    seconds from the last attempt's start to its end
//	$upstream_addr             address of the backend
//	$retries                   attempts after the first
//	$route                     name of the route
//	$mirrored                  true or false
//	$fault                     why tain answered itself or broke off
//	$http_referer              fields of the request
//	$http_user_agent
//	$request_id
//	$grpc_status
//	$ssl_protocol              of the user's connection
//	$ssl_cipher
//	$ssl_server_name           name that the user asked for
//	$ssl_client_s_dn           subject of the user's certificate
//
// Values are escaped like nginx does it: the quotation mark, the backslash, and all bytes that are not
// printable ASCII become \xXX, and what is not known is a hyphen. In json, and in a template that
// begins with {, they are escaped as in a JSON string instead, and what is not known is empty, or 0
// if it is a number.
//
// A line that would take more than half of a lane's buffer is written with its values cut to 256
// bytes each, marked by three dots: nobody keeps a request out of the log by making it long.
package accesslog
