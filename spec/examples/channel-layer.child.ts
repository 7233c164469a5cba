import { Redis } from 'rxjs-redis';
import { ChannelLayer } from './programs/channel-layer';

// A process of the back end: two sockets in the lobby, one of them in a group of its own as well. What they are sent is printed.
const redis = new Redis(process.argv[2]);
const layer = new ChannelLayer(redis);
const [ann, bob] = ['ann', 'bob'].map((name) => ({ send: (text: string) => console.log(`${name} ${text}`) }));
layer.join('lobby', ann!);
layer.join('lobby', bob!);
layer.join('lobby', bob!);
layer.join('bob', bob!);
layer.join('control', {
  send: (text) => {
    if (text === 'bob leaves the lobby') layer.leave('lobby', bob!);
    if (text === 'ann is gone') layer.leaveAll(ann!);
    if (text === 'end') void redis.close();
    else layer.send('done', text).forget();
  },
});
