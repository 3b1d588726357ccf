//! One operation through all three programs.

use mollusk_tests::{features::FeatureProfile, fixture::*, programs::*, token};
use solana_instruction::AccountMeta;

#[test]
fn one_operation_through_all_three_programs() {
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let shard = fixture.shard();
    let queue = fixture.queue(&shard);
    let mint = address("mint");
    let [vault, destination] = ["vault", "destination"].map(address);
    let definition = vault_transfer(&vault, &destination);
    let capability = fixture.next_capability();
    fixture.world.set_account(&mint, token::mint(0, 1_000));
    fixture.world.set_account(&vault, token::token_account(&mint, &capability, 1_000));
    fixture.world.set_account(&destination, token::token_account(&mint, &address("anyone"), 0));
    assert_eq!(fixture.capability(&shard, &definition), capability);

    let arguments = 40u64.to_le_bytes();
    let o = fixture.send(&[enqueue(&queue, &capability, 1, 9, &arguments)], &[people::PRODUCER]);
    println!("enqueue {}", o.units_of(0));
    let accounts = [
        AccountMeta::new(vault, false),
        AccountMeta::new(destination, false),
        AccountMeta::new_readonly(capability, false),
    ];
    let run = [dispatch(&shard, &queue, 0, 1), execute(&capability, &token::ID, &accounts, &arguments)];
    let o = fixture.send(&run, &[people::WORKER]);
    println!("dispatch {} execute {:?}", o.units_of(0), o.units_of_program(1, &PROCESSOR.address()));
    assert_eq!(token::balance(&fixture.world.account(&destination)), 40);

    let state = fixture.state(1_024);
    let o = fixture.send(&[apply_inline(&state, 0, &[(8, &[7; 8])])], &[people::OWNER]);
    println!("apply_inline {}", o.units_of(0));
    assert_eq!(fixture.world.account(&state).data[128 + 8..][..8], [7; 8]);
    let ops: Vec<(u32, &[u8])> = (0..16).map(|i| (i * 32, &[7u8; 8][..])).collect();
    let o = fixture.send(&[apply_inline(&state, 1, &ops)], &[people::OWNER]);
    println!("apply_inline 16 {}", o.units_of(0));
    for p in [PROCESSOR, SCHEDULER, DIFF] {
        let o = fixture.send(&[pause(p, people::AUTHORITY)], &[people::AUTHORITY]);
        let r = fixture.send(&[resume(p, people::AUTHORITY)], &[people::AUTHORITY]);
        println!("pause {} resume {}", o.units_of(0), r.units_of(0));
    }
}
