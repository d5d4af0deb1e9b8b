// Equal Earth (Šavrič, Patterson, Jenny 2018): areas are true, so that a catchment looks as large as it is.

const [A1, A2, A3, A4] = [1.340264, -0.081106, 0.000893, 0.003796];
const ROOT = Math.sqrt(3);
const HALF_WIDTH = 2.7066;

export const WIDTH = 1000;
export const HEIGHT = 425;
const SCALE = WIDTH / 2 / HALF_WIDTH;
// Nobody lives further south than here needs room for.
const NORTH = 1.3;

// Degrees to a point of the map.
export function project(latitude, longitude) {
  const theta = Math.asin((ROOT / 2) * Math.sin((latitude * Math.PI) / 180));
  const square = theta * theta;
  const sixth = square ** 3;
  const x = (2 * ROOT * ((longitude * Math.PI) / 180) * Math.cos(theta))
    / (3 * (9 * A4 * sixth * square + 7 * A3 * sixth + 3 * A2 * square + A1));
  const y = theta * (A4 * sixth * square + A3 * sixth + A2 * square + A1);
  return [WIDTH / 2 + x * SCALE, (NORTH - y) * SCALE];
}

// A list of outlines in steps of tenths of a degree (see geodata/build_world_map.py) as the data of a path.
export function outlinePath(outlines) {
  return outlines.map((steps) => {
    let [longitude, latitude] = [0, 0];
    let text = "";
    for (let index = 0; index < steps.length; index += 2) {
      longitude += steps[index];
      latitude += steps[index + 1];
      const [x, y] = project(latitude / 10, longitude / 10);
      text += `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    }
    return `${text}Z`;
  }).join("");
}
