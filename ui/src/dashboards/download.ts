// Files that the page makes itself: pictures of charts, and documents.

/** Saves the picture in a panel. PNG has twice the pixels of the screen, so that it is sharp in print. */
export async function saveImage(panel: Element, name: string, format: 'svg' | 'png'): Promise<void> {
  const drawing = panel.querySelector<SVGSVGElement>('.chart-canvas svg');
  if (!drawing) return;
  // Not the text that ECharts makes of it: that has quotation marks of font names as they are, which is not XML.
  const svg = new Blob([new XMLSerializer().serializeToString(drawing)], { type: 'image/svg+xml' });
  if (format === 'svg') return save(svg, `${name}.svg`);

  const { width, height } = drawing.getBoundingClientRect();
  const background = getComputedStyle(document.documentElement).getPropertyValue('--panel').trim();
  const png = await rasterize(svg, width, height, background);
  if (png) save(png, `${name}.png`);
}

export function saveText(text: string, name: string): void {
  save(new Blob([text], { type: 'application/json' }), name);
}

async function rasterize(svg: Blob, width: number, height: number, background: string): Promise<Blob | null> {
  const url = URL.createObjectURL(svg);
  try {
    const image = new Image(width, height);
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [width * 2, height * 2];
    const context = canvas.getContext('2d');
    if (!context) return null;
    context.fillStyle = background;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
  } finally {
    URL.revokeObjectURL(url);
  }
}

function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  [link.href, link.download] = [url, name];
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
