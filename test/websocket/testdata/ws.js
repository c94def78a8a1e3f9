// Returns every message, and says its port first.
'use strict';
const { WebSocketServer } = require('ws');

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: { threshold: 0 } });
server.on('connection', (socket) => {
  socket.on('error', () => {}); // ws has closed with the code that says what was wrong
  socket.on('message', (message, binary) => socket.send(message, { binary }));
});
server.on('listening', () => console.log(server.address().port));
