// A call of the page that is not answered is announced, its panels are emptied, and it is sent again until it is answered
// or the form has changed. Gradio never hears of it: it would give up, and forget what was changed meanwhile.
(() => {
  const { edition, texts } =
    JSON.parse(document.querySelector('meta[name="slipway-page"]').content);
  const FIRST = 1000, LONGEST = 30000;  // milliseconds from one try to the next
  const GIVEN = 60000;  // milliseconds that an answer may take
  const SEEN = 4000;  // milliseconds in which a notice has been read
  const passed = window.fetch.bind(window);
  const waiting = new Set();
  const newest = new Map();  // event → number of its last call
  const troubles = new Map();  // event → what is wrong with its last call, and whether a login would help
  let notice;
  let over = false;  // the server has another version: nothing but a reload mends that

  const wake = () => waiting.forEach((again) => again());
  const pause = (time) => new Promise((resolve) => {
    const again = () => { waiting.delete(again); resolve(); };
    waiting.add(again);
    setTimeout(again, time);
  });
  const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));

  function say(text, button) {
    if (!notice) {
      if (!text) return;
      notice = document.createElement("div");
      notice.className = "slip-notice";
      notice.setAttribute("role", "alert");
      document.body.append(notice);
    }
    if (notice.dataset.text === text) return;
    notice.dataset.text = text;
    notice.replaceChildren(...(text ? [text] : []), ...(button ? [button] : []));
  }

  function reloading() {
    const button = document.createElement("button");
    button.textContent = texts["online.reload"];
    button.addEventListener("click", () => location.reload());
    return button;
  }

  // To log in again, in a window of its own, so that what was typed here stays.
  function loggingIn() {
    const link = document.createElement("a");
    link.textContent = texts["online.login"];
    link.href = slipAddress("login");
    link.target = "_blank";
    return link;
  }

  const tell = ({ trouble, out } = {}) => say(trouble ?? "", out && loggingIn());

  // What a call is about: its event, and what of the page it writes.
  function described(body) {
    const event = JSON.parse(body).fn_index;
    const { components, dependencies } = window.gradio_config;
    const { outputs } = dependencies.find((one) => one.id === event);
    const names = outputs.map((id) => components.find((one) => one.id === id)?.props.elem_id ?? "");
    return { event, count: outputs.length, panels: names.filter((name) => name.startsWith("live-")).map((name) => name.slice(5)) };
  }

  // An answer that leaves everything as it is.
  const nothing = ({ count }) => answerOf({ data: Array.from({ length: count }, () => ({ __type__: "update" })) });
  const answerOf = (content) => new Response(JSON.stringify(content), { headers: { "Content-Type": "application/json" } });

  // What comes of a call: its answer, or in words why there is none.
  async function ask(input, init, { count }) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), GIVEN);
    try {
      const response = await passed(input, { ...init, signal: stop.signal });
      if (response.status === 401) return { trouble: texts["online.out"], out: true };
      if (response.status === 409) return { over: true };
      if ([502, 503, 504].includes(response.status)) return { trouble: texts["online.lost"] };
      if (!response.ok) return { trouble: texts["online.failed"].replace("{status}", response.status) };
      const text = await response.text();
      const content = parsed(text);
      return content?.data?.length === count ? { answer: answerOf(content) } : { trouble: texts["online.unread"] };
    } catch {
      return { trouble: stop.signal.aborted ? texts["online.slow"] : texts["online.lost"] };
    } finally {
      clearTimeout(timer);
    }
  }

  function parsed(text) {
    try {
      return JSON.parse(text);
    } catch {
      return null;
    }
  }

  function gone() {
    over = true;
    say(texts["online.changed"], reloading());
    window.slipLive.failed(window.slipLive.everything);
    if (window.slipKept.mayReload()) setTimeout(() => location.reload(), SEEN);
    return new Promise(() => {});
  }

  window.fetch = async (input, init) => {
    if (!/\/gradio_api\/run\/predict(\?|$)/.test(String(input?.url ?? input))) {
      const answer = await passed(input, init);
      if (answer.status === 401) tell({ trouble: texts["online.out"], out: true });
      return answer;
    }
    const call = described(init.body);
    const { event, panels } = call;
    const mine = (newest.get(event) ?? 0) + 1;
    newest.set(event, mine);
    const read = window.slipLive.read(panels);
    const headers = new Headers(init.headers);
    headers.set("X-Page-Edition", edition);
    for (let time = FIRST; ; time = Math.min(2 * time, LONGEST)) {
      const found = over ? { over } : await ask(input, { ...init, headers }, call);
      if (over || found.over) return gone();
      if (newest.get(event) !== mine) return nothing(call);  // a newer call of the same event is under way
      if (found.answer) {
        troubles.delete(event);
        tell([...troubles.values()].at(-1));
        window.slipLive.answered(panels);
        wake();
        return found.answer;
      }
      troubles.set(event, found);
      tell(found);
      window.slipLive.failed(panels);
      await sleep(FIRST);  // what a person types asks at once, but not more often than this
      if (window.slipLive.read(panels) === read) await pause(time - FIRST);
      if (window.slipLive.read(panels) !== read) return nothing(call);  // the form has changed: Gradio asks for that next
    }
  };
  for (const kind of ["input", "click", "online", "focus"]) window.addEventListener(kind, wake, true);
})();
