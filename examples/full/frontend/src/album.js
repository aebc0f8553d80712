import { format } from "timeago.js";

for (const time of document.querySelectorAll("time")) {
  time.title = time.textContent;
  time.textContent = format(time.dateTime);
}
