// A read-out under the pointer, and a choice of clients. Without this script the page is whole.
(function () {
"use strict";
var listed = document.getElementById("clients"), names = JSON.parse(listed.textContent);

// From so many clients on, all can be shown or hidden at once.
var MANY = 8;

function number(text) { return parseFloat(text); }

function axis(text) {
  var parts = text.split(" ");
  if (parts.length < 4) { return null; }
  return { log: parts[0] === "log", low: number(parts[1]), high: number(parts[2]), unit: parts[3] };
}

function value(axis, place) {
  return axis.log ? axis.low * Math.pow(axis.high / axis.low, place) : axis.low + place * (axis.high - axis.low);
}

function digits(number) {
  return number === 0 ? "0" : Number(number.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 });
}

function scaled(number, steps, last) {
  for (var i = 0; i < steps.length; i++) {
    if (Math.abs(number) < steps[i][0]) { return digits(number / steps[i][1]) + " " + steps[i][2]; }
  }
  return digits(number / last[0]) + " " + last[1];
}

function told(axis, number) {
  switch (axis.unit) {
    case "nanoseconds": return scaled(number, [[1e3, 1, "ns"], [1e6, 1e3, "µs"], [1e9, 1e6, "ms"]], [1e9, "s"]);
    case "bytes": return scaled(number, [[1e3, 1, "B/s"], [1e6, 1e3, "kB/s"]], [1e6, "MB/s"]);
    case "fraction": return digits(number * 100) + " %";
    case "percent": return digits(number) + " %";
    default: return digits(number);
  }
}

// The places of a client's data in the drawing's own units: centres of points, or the corners of its lines.
function places(group) {
  if (group.places) { return group.places; }
  var found = [];
  if (group.dataset.at) {
    var at = group.dataset.at.split(" ").map(number);
    for (var i = 0; i + 1 < at.length; i += 2) { found.push([at[i], at[i + 1]]); }
  } else if (!group.querySelector("text")) {
    group.querySelectorAll("path[stroke]").forEach(function (path) {
      (path.getAttribute("d").match(/-?[\d.]+ -?[\d.]+/g) || []).forEach(function (pair) {
        found.push(pair.split(" ").map(number));
      });
    });
  }
  group.places = found;
  return found;
}

function nearest(svg, x, y) {
  var best = null, reach = 24;
  svg.querySelectorAll("g[data-client]").forEach(function (group) {
    if (group.style.display === "none") { return; }
    places(group).forEach(function (place) {
      var distance = Math.hypot(place[0] - x, place[1] - y);
      if (distance < reach) { reach = distance; best = { client: group.dataset.client, place: place }; }
    });
  });
  return best;
}

function readOut(plot) {
  var out = document.createElement("p");
  out.className = "read-out";
  out.setAttribute("aria-hidden", "true");
  var drawings = [].filter.call(plot.querySelectorAll("svg"), function (svg) { return axis(svg.dataset.x); });
  if (drawings.length) { plot.after(out); }
  drawings.forEach(function (svg) { follow(svg, out); });
}

// Tells what is under the pointer, or where a finger touched.
function follow(svg, out) {
  var xAxis = axis(svg.dataset.x), yAxis = axis(svg.dataset.y);
  var frame = svg.dataset.frame.split(" ").map(number);
  function tell(event) {
    var spot = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    var found = nearest(svg, spot.x, spot.y);
    var x = found ? found.place[0] : spot.x, y = found ? found.place[1] : spot.y;
    if (x < frame[0] - 1 || x > frame[2] + 1 || y < frame[1] - 1 || y > frame[3] + 1) { out.textContent = ""; return; }
    var parts = [told(xAxis, value(xAxis, (x - frame[0]) / (frame[2] - frame[0])))];
    if (yAxis) { parts.push(told(yAxis, value(yAxis, (frame[3] - y) / (frame[3] - frame[1])))); }
    out.textContent = (found ? names[found.client] + ": " : "") + parts.join(", ");
  }
  svg.addEventListener("pointermove", tell);
  svg.addEventListener("pointerdown", tell);
  svg.addEventListener("pointerleave", function () { out.textContent = ""; });
}

function choice() {
  var used = names.map(function (_, client) { return !!document.querySelector('[data-client="' + client + '"]'); });
  if (used.filter(Boolean).length < 2) { return; }
  var box = document.createElement("fieldset");
  box.className = "choice";
  var legend = document.createElement("legend");
  legend.textContent = listed.dataset.choice + " shown in figures and tables";
  box.append(legend);
  var inputs = [];
  if (names.length > MANY) {
    ["All", "None"].forEach(function (words) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = words;
      button.addEventListener("click", function () {
        inputs.forEach(function (input) {
          input.checked = words === "All";
          input.dispatchEvent(new Event("change"));
        });
      });
      box.append(button);
    });
  }
  names.forEach(function (name, client) {
    if (!used[client]) { return; }
    var label = document.createElement("label"), input = document.createElement("input");
    input.type = "checkbox";
    input.checked = true;
    input.addEventListener("change", function () {
      document.querySelectorAll('[data-client="' + client + '"]').forEach(function (part) {
        part.style.display = input.checked ? "" : "none";
      });
    });
    inputs.push(input);
    label.append(input, " ", name);
    box.append(label);
  });
  document.getElementById("content").prepend(box);
}

document.querySelectorAll(".plot").forEach(readOut);
choice();
})();
