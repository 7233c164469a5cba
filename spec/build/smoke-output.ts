/** What `smoke.mjs` says; its key, which has the number of its process, is KEY here. */
export const SMOKE = `
one class: true
set and get: ["OK","ä"]
bytes: [195,164]
3 MB: true
10 000 at once: true
pipeline: ["OK",2,"2"]
multi: [3,"3"]
script: 4
error reply: [true,"WRONGTYPE"]
watch: ["OK"]
messages: ["first","second","third"]
blocking: ["KEY list","element"]
after a cut: "8"
time: [true,"unknown"]
refused: ["DISCONNECTED","unsent"]
pool: "8"
closed: "DISCONNECTED"`.trim();
