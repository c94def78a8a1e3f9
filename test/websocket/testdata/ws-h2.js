// Returns every message that comes over a stream of HTTP/2, and says its port first. ws knows handshakes of
// HTTP/1.1 alone, so it is given a stream in place of its socket once that has been answered.
'use strict';
const http2 = require('node:http2');
const { WebSocket } = require('ws');

const server = http2.createServer({ settings: { enableConnectProtocol: true } });
server.on('stream', (stream, headers) => {
  stream.on('error', () => {}); // it was reset
  const asked = headers[':method'] === 'CONNECT' && headers[':protocol'] === 'websocket' && headers['sec-websocket-version'] === '13';
  const old = ['connection', 'upgrade', 'sec-websocket-key'].filter((name) => name in headers);
  if (!asked || old.length > 0) {
    stream.respond({ ':status': 400 });
    stream.end(`not a handshake of HTTP/2: ${JSON.stringify(headers)}`);
    return;
  }
  stream.respond({ ':status': 200 });
  stream.setNoDelay = () => {}; // which only sockets have
  const socket = new WebSocket(null);
  socket.on('error', () => {}); // ws has closed with the code that says what was wrong
  socket.on('message', (message, binary) => socket.send(message, { binary }));
  socket.setSocket(stream, Buffer.alloc(0), { maxPayload: 16 << 20, skipUTF8Validation: false });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
