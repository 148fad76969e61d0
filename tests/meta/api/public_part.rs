//! The public view of an item.

use syn::{Attribute, Block, Fields, ImplItem, Item, Meta, TraitItem, Visibility, parse_quote};

/// Returns the name and the public view of an item that is public, or is an implementation.
pub(crate) fn public_part(item: &Item) -> Option<(String, Item)> {
    let mut item = item.clone();
    let name = match &mut item {
        Item::Const(constant) if public(&constant.vis) => {
            *constant.expr = parse_quote!(..);
            constant.ident.to_string()
        }
        Item::Fn(function) if public(&function.vis) => {
            *function.block = without_body();
            function.sig.ident.to_string()
        }
        Item::Struct(structure) if public(&structure.vis) => {
            hide(&mut structure.fields);
            structure.ident.to_string()
        }
        Item::Enum(enumeration) if public(&enumeration.vis) => {
            for variant in &mut enumeration.variants {
                variant.attrs = attributes_but_docs(&variant.attrs);
                for field in &mut variant.fields {
                    field.attrs = attributes_but_docs(&field.attrs);
                }
            }
            enumeration.ident.to_string()
        }
        Item::Trait(port) if public(&port.vis) => {
            for method in &mut port.items {
                if let TraitItem::Fn(method) = method {
                    method.attrs = attributes_but_docs(&method.attrs);
                }
            }
            port.ident.to_string()
        }
        Item::Macro(exported) if exported.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export")) => {
            let pattern = exported.mac.tokens.clone().into_iter().next()?;
            exported.mac.tokens = parse_quote!(#pattern => {};);
            exported.ident.as_ref()?.to_string()
        }
        Item::Type(alias) if public(&alias.vis) => alias.ident.to_string(),
        Item::Impl(implementation) => {
            let is_of_trait = implementation.trait_.is_some();
            // The signatures of trait methods are listed with the trait.
            implementation.items.retain(|item| match item {
                ImplItem::Fn(method) => !is_of_trait && public(&method.vis),
                ImplItem::Const(constant) => !is_of_trait && public(&constant.vis),
                ImplItem::Type(_) => true,
                _ => false,
            });
            for item in &mut implementation.items {
                match item {
                    ImplItem::Fn(method) => {
                        method.attrs = attributes_but_docs(&method.attrs);
                        method.block = without_body();
                    }
                    ImplItem::Const(constant) => {
                        constant.attrs = attributes_but_docs(&constant.attrs);
                        constant.expr = parse_quote!(..);
                    }
                    _ => {}
                }
            }
            if implementation.items.is_empty() && !is_of_trait {
                return None;
            }
            String::new()
        }
        _ => return None,
    };
    let attributes = attributes_of(&mut item)?;
    *attributes = attributes_but_docs(attributes);
    Some((name, item))
}

fn public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn without_body() -> Block {
    parse_quote!({})
}

fn hide(fields: &mut Fields) {
    match fields {
        Fields::Named(named) => {
            named.named = std::mem::take(&mut named.named).into_iter().filter(|field| public(&field.vis)).collect();
        }
        Fields::Unnamed(unnamed) => {
            for field in &mut unnamed.unnamed {
                if !public(&field.vis) {
                    field.ty = parse_quote!(_);
                }
            }
        }
        Fields::Unit => {}
    }
    for field in fields {
        field.attrs = attributes_but_docs(&field.attrs);
    }
}

/// Documentation is not API, nor are attributes that only the compiler of this crate reads.
pub(crate) fn attributes_but_docs(attributes: &[Attribute]) -> Vec<Attribute> {
    let left_out = ["doc", "allow", "error", "from", "inline"];
    let is_kept = |attribute: &&Attribute| match &attribute.meta {
        Meta::Path(path)
        | Meta::List(syn::MetaList { path, .. })
        | Meta::NameValue(syn::MetaNameValue { path, .. }) => !left_out.iter().any(|name| path.is_ident(name)),
    };
    attributes.iter().filter(is_kept).cloned().collect()
}

pub(crate) fn add_attribute(item: &mut Item, attribute: Attribute) {
    if let Some(attributes) = attributes_of(item) {
        attributes.insert(0, attribute);
    }
}

fn attributes_of(item: &mut Item) -> Option<&mut Vec<Attribute>> {
    Some(match item {
        Item::Const(item) => &mut item.attrs,
        Item::Fn(item) => &mut item.attrs,
        Item::Struct(item) => &mut item.attrs,
        Item::Enum(item) => &mut item.attrs,
        Item::Trait(item) => &mut item.attrs,
        Item::Type(item) => &mut item.attrs,
        Item::Impl(item) => &mut item.attrs,
        Item::Macro(item) => &mut item.attrs,
        _ => return None,
    })
}
