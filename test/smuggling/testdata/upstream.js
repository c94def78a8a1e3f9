// Notes every request that it sees, as a line of JSON on standard output: after the first line, which
// has the port.
'use strict';
const fs = require('node:fs');
const http = require('node:http');

const note = (sight) => fs.writeSync(1, JSON.stringify(sight) + '\n');

const see = (request, answer) => {
  const parts = [];
  const sight = {
    method: request.method,
    target: request.url,
    host: request.headers.host ?? '',
    upgrade: request.headers.upgrade ?? '',
  };
  request.on('data', (part) => parts.push(part));
  request.on('error', () => note({ ...sight, status: 400 }));
  request.on('end', () => {
    note({ ...sight, body: Buffer.concat(parts).toString('latin1'), status: 200 });
    answer.setHeader('Saw', `${request.method} ${request.url}`);
    answer.end('seen\n');
  });
};

const server = http.createServer({ keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 }, see);
server.on('checkContinue', (request, answer) => {
  answer.writeContinue();
  see(request, answer);
});
server.on('clientError', (err, socket) => {
  // One that merely broke off was noted above. Node may take a reset for an end, and goes on parsing
  // what comes behind an error.
  const broken = err.code.startsWith('HPE_') && err.code !== 'HPE_INVALID_EOF_STATE';
  if (broken && socket.writable) note({ status: 400 });
  socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
});
server.listen(0, '127.0.0.1', () => note({ port: server.address().port }));
process.on('SIGTERM', () => server.close());
