// Finds a server in a process of its own and prints where it came from.
import { findServer } from '../../infra/servers';

void findServer().then(({ description }) => console.log(description));
