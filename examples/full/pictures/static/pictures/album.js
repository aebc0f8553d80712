const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** Say how long before `now` a time was. */
function ago(then, now) {
  const seconds = Math.max(0, Math.round((now - then) / 1000));
  const [unit, length] = UNITS.find(([, each]) => seconds >= each) ?? UNITS.at(-1);
  return new Intl.RelativeTimeFormat("en").format(-Math.floor(seconds / length), unit);
}

for (const time of document.querySelectorAll("time")) {
  time.title = time.textContent;
  time.textContent = ago(new Date(time.dateTime), new Date());
}
