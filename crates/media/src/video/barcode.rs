//! A number painted into a picture so that a machine can read it back after encoding, loss and
//! scaling.
//!
//! Two rows of twenty blocks lie along the top edge, each a twentieth of the width wide and a
//! twelfth of the height high, white for one and black for zero. The first 32 blocks, row by row,
//! are the number with its highest bit first; the other eight its checksum (CRC-8 with polynomial
//! 0x07 that begins with 0xff), so that a black or a torn picture reads as nothing.

/// Blocks in a row.
const COLUMNS: usize = 20;
/// Rows of blocks.
const ROWS: usize = 2;
/// The height of a row is this part of the picture's.
const HEIGHT_PART: usize = 12;
const BITS: usize = COLUMNS * ROWS;
/// White must be so much brighter than black.
const CONTRAST: u32 = 60;

/// Paints `value` onto a plane of brightness. Pictures under 40 × 24 pixels are left alone.
pub fn draw(luma: &mut [u8], width: usize, height: usize, stride: usize, value: u32) {
    if width < 2 * COLUMNS || height < 2 * HEIGHT_PART {
        return;
    }
    let code = code(value);
    let row_height = height / HEIGHT_PART;
    for (y, line) in luma.chunks_mut(stride).take(ROWS * row_height).enumerate() {
        let row = y / row_height;
        for column in 0..COLUMNS {
            let bit = code >> (BITS - 1 - (row * COLUMNS + column)) & 1;
            let (from, to) = (column * width / COLUMNS, (column + 1) * width / COLUMNS);
            if let Some(block) = line.get_mut(from..to) {
                block.fill(if bit == 1 { 235 } else { 16 });
            }
        }
    }
}

/// Reads what [`draw`] painted; none where it is not there or not whole.
pub fn read(luma: &[u8], width: usize, height: usize, stride: usize) -> Option<u32> {
    if width < 2 * COLUMNS || height < 2 * HEIGHT_PART {
        return None;
    }
    let mut brightness = [0; BITS];
    for (index, block) in brightness.iter_mut().enumerate() {
        *block = inner_mean(luma, width, height, stride, index)?;
    }
    let darkest = brightness.iter().min()?;
    let brightest = brightness.iter().max()?;
    if brightest - darkest < CONTRAST {
        return None;
    }
    let middle = (darkest + brightest) / 2;
    let read = brightness
        .iter()
        .fold(0u64, |code, block| code << 1 | u64::from(*block > middle));
    let value = (read >> 8) as u32;
    (code(value) == read).then_some(value)
}

/// Mean of the inner half of a block: edges blur.
fn inner_mean(
    luma: &[u8],
    width: usize,
    height: usize,
    stride: usize,
    index: usize,
) -> Option<u32> {
    let (row, column) = (index / COLUMNS, index % COLUMNS);
    let span = |position: usize, size: usize, parts: usize| {
        let (from, to) = (position * size / parts, (position + 1) * size / parts);
        let margin = (to - from) / 4;
        from + margin..(to - margin).max(from + margin + 1)
    };
    let columns = span(column, width, COLUMNS);
    let (mut sum, mut count) = (0u32, 0u32);
    for y in span(row, height, HEIGHT_PART) {
        let pixels = luma.get(y * stride + columns.start..y * stride + columns.end)?;
        sum += pixels.iter().map(|pixel| u32::from(*pixel)).sum::<u32>();
        count += u32::try_from(pixels.len()).ok()?;
    }
    sum.checked_div(count)
}

fn code(value: u32) -> u64 {
    let checksum = value.to_be_bytes().iter().fold(0xff, |crc: u8, byte| {
        (0..8).fold(crc ^ byte, |crc, _| {
            let shifted = crc << 1;
            if crc & 0x80 == 0 {
                shifted
            } else {
                shifted ^ 0x07
            }
        })
    });
    u64::from(value) << 8 | u64::from(checksum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_at_every_size() {
        for (width, height) in [(64, 48), (320, 180), (640, 360), (1280, 720), (333, 251)] {
            for value in [0, 1, 0xdead_beef, u32::MAX, 1_234_567] {
                let stride = width + 16;
                let mut luma = vec![90; stride * height];
                draw(&mut luma, width, height, stride, value);
                assert_eq!(read(&luma, width, height, stride), Some(value));
            }
        }
    }

    #[test]
    fn what_carries_no_number_reads_as_nothing() {
        assert_eq!(read(&vec![16; 640 * 360], 640, 360, 640), None);
        assert_eq!(read(&vec![235; 640 * 360], 640, 360, 640), None);
        let noise: Vec<u8> = (0..640 * 360u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        assert_eq!(read(&noise, 640, 360, 640), None);
        assert_eq!(read(&[0; 4], 640, 360, 640), None);
    }

    #[test]
    fn a_torn_number_reads_as_nothing() {
        let mut torn = vec![90; 640 * 360];
        draw(&mut torn, 640, 360, 640, 0x0f0f_0f0f);
        let mut other = torn.clone();
        draw(&mut other, 640, 360, 640, 0xf0f0_1234);
        torn[640 * 30..].copy_from_slice(&other[640 * 30..]);
        assert_eq!(read(&torn, 640, 360, 640), None);
    }
}
