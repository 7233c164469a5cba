import { NestFactory } from '@nestjs/core';
import { RoomModule, listen } from './io.gateway';

// Another process of the application: prints where it listens, and closes the application on SIGTERM.
void NestFactory.create(RoomModule.at(process.argv[2]!), { logger: false })
  .then((app) => listen(app.enableShutdownHooks()))
  .then((url) => console.log(url));
