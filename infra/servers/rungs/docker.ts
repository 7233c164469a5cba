import type { Rung, ServerProgram } from '../rung';

/** A container, started through testcontainers. */
export const dockerRung: Rung<ServerProgram> = {
  name: 'docker',
  find() {
    return Promise.reject(new Error('not written yet'));
  },
};
