//! Which figures were asked for.

use super::super::figure::{Figure, Omitted};

/// What a choice came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// In the order of asking.
    pub figures: Vec<Figure>,
    /// Those that were asked for and have no data, with the reason.
    pub left_out: Vec<String>,
}

/// The figures of these names: whole ones, or a part that only one name has. Without names, all.
///
/// # Errors
/// In words, when a name means none or several, or when nothing is left to draw.
pub fn choose(figures: Vec<Figure>, omitted: &[Omitted], names: Option<&[String]>) -> Result<Chosen, String> {
    let Some(names) = names else {
        let left_out = omitted.iter().map(Omitted::line).collect();
        return Ok(Chosen { figures, left_out });
    };
    let mut chosen = Chosen { figures: Vec::new(), left_out: Vec::new() };
    let all: Vec<&str> = figures.iter().map(|f| f.id).chain(omitted.iter().map(|o| o.id)).collect();
    for name in names {
        let id = meant(name, &all)?;
        match figures.iter().find(|figure| figure.id == id) {
            Some(figure) if !chosen.figures.contains(figure) => chosen.figures.push(figure.clone()),
            Some(_) => {}
            None => {
                let reason = omitted.iter().find(|o| o.id == id).map_or("no data", |o| o.reason.as_str());
                chosen.left_out.push(format!("{id}: {reason}"));
            }
        }
    }
    if chosen.figures.is_empty() {
        return Err(format!("there is nothing to draw: {}", chosen.left_out.join("; ")));
    }
    Ok(chosen)
}

fn meant<'a>(name: &str, all: &[&'a str]) -> Result<&'a str, String> {
    if let Some(id) = all.iter().find(|id| **id == name) {
        return Ok(id);
    }
    let found: Vec<&str> = all.iter().filter(|id| !name.is_empty() && id.contains(name)).copied().collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(format!("--figures {name}: there is none of that name; there are {}", all.join(", "))),
        _ => Err(format!("--figures {name}: may mean {}", found.join(" or "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figures::all;
    use crate::report::synthetic::Wish;

    fn chosen(names: &[&str]) -> Result<Vec<&'static str>, String> {
        let wish = Wish::default();
        let (figures, omitted) = all(&wish.summary(), &wish.scenario());
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        choose(figures, &omitted, Some(&names)).map(|chosen| chosen.figures.iter().map(|f| f.id).collect())
    }

    #[test]
    fn a_part_of_a_name_is_enough_where_it_is_unique() {
        assert_eq!(chosen(&["redundant", "ecdf"]).unwrap(), ["redundant_period", "notice_ecdf"]);
        assert_eq!(chosen(&["latency_cpu", "latency_cpu"]).unwrap(), ["latency_cpu"]);
        assert!(chosen(&["latency_"]).unwrap_err().contains("latency_period or latency_cpu"));
        assert!(chosen(&["pie"]).unwrap_err().contains("none of that name; there are notice_ecdf"));
        assert!(chosen(&[""]).is_err());
    }
}
