// The parts of ECharts that we draw with, and no others: each costs bytes.
import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, TooltipComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
// SVG: crisp at any zoom, text in the page's own fonts, and our charts have few elements.
import { SVGRenderer } from 'echarts/renderers';

use([BarChart, LineChart, GridComponent, TooltipComponent, SVGRenderer]);

export { init };
